"""Course catalogue and build, the tasks of labs, image series, and one folder a course."""
