"""Forked kernels: a kernel is a fork of a parent process that has already imported the scientific stack.

`provisioner` is what jupyter_client sees; `link` is a server's end of the wire to a parent, `parent` the process at the
other end, `child` what a fork does until it is a full IPython kernel, `app` the kernel itself in two halves: before the
fork and after it. `notebook` runs a lab once in a parent of its own, so that its kernels are forked when all is done.

Nothing here imports the rest of the platform: students' sandboxes see this package and no other of `hub`.
"""
