# shellcheck shell=bash
# How the scripts of this folder speak: sourced by them, never run.

# Say what is being done, on standard error so that standard output stays data.
say() {
    printf '%s\n' "$*" >&2
}

# Say what is wrong and what to do about it, and end.
stop() {
    printf 'cairn: %s\n' "$*" >&2
    exit 1
}

# Show a command as a person would type it, then run it; for scripts whose folder is the checkout.
show_and_run() {
    say
    say "\$ $*"
    ".venv/bin/$1" "${@:2}"
}

# Succeed when VERSION ($1) is at least MINIMUM ($2).
version_is_at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort --version-sort | head -n 1)" = "$2" ]
}

# Print minutes and seconds since the moment ($1, in seconds).
elapsed_since() {
    local seconds=$(($(date +%s) - $1))
    printf '%d:%02d' $((seconds / 60)) $((seconds % 60))
}
