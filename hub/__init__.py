"""The platform: settings, JupyterHub wiring, roles, portal pages, the apps service and the `xinglin` command."""
