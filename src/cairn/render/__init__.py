"""From a plan to the files of its hosts: templates filled in, nothing decided."""
