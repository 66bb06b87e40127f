"""Widgets: each one .py and one .js of the same name; an AFM module for JupyterLab, Voila and the exam room."""
