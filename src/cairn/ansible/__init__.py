"""Running one Ansible role on one host, in a child process that always ends."""
