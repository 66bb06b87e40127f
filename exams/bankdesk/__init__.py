"""The desk of the item bank: find, preview, edit, review, publish, retire, import, export."""
