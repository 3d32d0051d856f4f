"""Prints as JSON what the preflight wants to know: look.py PATH PROGRAM."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile

MARK = ".cairn-storage"


def nearest(path):
    """Return the folder itself, or the one above it that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def keeps_attributes(folder):
    """Try it on a file without a name."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.setxattr(file.fileno(), "user.cairn", b"1")
            return os.getxattr(file.fileno(), "user.cairn") == b"1"
    except OSError:
        return False


def is_encrypted(folder):
    """Whether a layer of encryption lies between the file system and the disk."""
    say = {"capture_output": True, "text": True, "check": False}
    source = subprocess.run(["findmnt", "-nvo", "SOURCE", "-T", folder], **say).stdout.strip()
    layers = subprocess.run(["lsblk", "-nso", "TYPE", source], **say).stdout.split()
    return "crypt" in layers


def digest(program):
    """Return the SHA-256 of a file, empty if there is none."""
    try:
        with open(program, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def is_foreign(path):
    """Whether somebody else's files lie where buckets are to be."""
    try:
        return bool(os.listdir(f"{path}/buckets")) and not os.path.exists(f"{path}/{MARK}")
    except OSError:
        return False


path, program = sys.argv[1:]
folder = nearest(path)
space = os.statvfs(folder)
seen = {
    "link": os.path.islink(path),
    "attributes": keeps_attributes(folder),
    "size": space.f_frsize * space.f_blocks,
    "free": space.f_frsize * space.f_bavail,
    "encrypted": is_encrypted(folder),
    "foreign": is_foreign(path),
    "certificate": all(os.path.exists(f"/etc/cairn/pki/node.{end}") for end in ("crt", "key")),
    "digest": digest(program),
}
print(json.dumps(seen))
