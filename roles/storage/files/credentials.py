"""Makes the credentials of the storage on the host, once: credentials.py look|really NAME:ACCOUNT...

Nothing secret is printed; each line names a file that was changed, or with `look` would be.
"""

import json
import os
import pwd
import secrets
import sys

FOLDER = "/etc/cairn/storage"
USERS = "/var/lib/cairn-s3/users"
ROOT = "cairn-root"


def look_up(account):
    """Return user and group number; an account that `look` does not find is to be made yet."""
    try:
        return pwd.getpwnam(account).pw_uid, pwd.getpwnam(account).pw_gid
    except KeyError:
        return -1, -1


def read(path):
    """Return a text, empty if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def keep(path, text, account, mode):
    """Have a file be so: bytes, owner, mode; written whole or not at all."""
    user, group = look_up(account)
    try:
        state = os.stat(path)
        same = (state.st_uid, state.st_gid, state.st_mode & 0o7777) == (user, group, mode)
    except OSError:
        same = False
    if same and read(path) == text:
        return
    print(path)
    if ACT == "look":
        return
    draft = os.open(f"{path}.draft", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(draft, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchown(draft, user, group)
        os.fchmod(draft, mode)
        os.fsync(draft)
    os.replace(f"{path}.draft", path)


def secret_in(path, name):
    """Return the secret behind `NAME = `, or a new one where there is none."""
    lines = [line.partition("=") for line in read(path).splitlines()]
    found = [value.strip() for key, _, value in lines if key.strip() == name]
    return found[0] if found and len(found[0]) >= 40 else secrets.token_urlsafe(30)


def credential(name, account):
    """Keep the credential of one consumer in the form of AWS's programs; return its secret."""
    path = f"{FOLDER}/consumers/{name}.credentials"
    secret = secret_in(path, "aws_secret_access_key")
    text = f"[default]\naws_access_key_id = {name}\naws_secret_access_key = {secret}\n"
    keep(path, text, account, 0o400)
    return secret


def forget_others(names):
    """Remove the credentials of those who are planned no more."""
    folder = f"{FOLDER}/consumers"
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if file.removesuffix(".credentials") not in names:
            print(f"{folder}/{file}")
            if ACT != "look":
                os.remove(f"{folder}/{file}")


ACT, *given = sys.argv[1:]
consumers = dict(one.split(":") for one in given)
root = f"{FOLDER}/root.env"
secret = secret_in(root, "ROOT_SECRET_ACCESS_KEY")
keep(root, f"ROOT_ACCESS_KEY_ID={ROOT}\nROOT_SECRET_ACCESS_KEY={secret}\n", "root", 0o600)
made = {name: credential(name, account) for name, account in consumers.items()}
forget_others(set(consumers))
users = {
    name: {"access": name, "secret": made[name], "role": "user"}
    | {"userID": 0, "groupID": 0, "projectID": 0}
    for name in sorted(made)
}
keep(f"{USERS}/users.json", json.dumps({"accessAccounts": users}), "cairn-s3", 0o600)
