# shellcheck shell=bash
# The trial federation of this computer: sourced by the scripts that bring it up and train in it, never run.
#
# Its specs nodes/try-*.yaml are made from those of the demo, because addresses and authority of this federation are
# made here and now. `make clean` takes its hosts away.

# The root of a real federation is made on a computer without a network, and its passphrase is typed.
root=.cairn/try-root
app="$root/lesions.fab"
published=nodes/try.federation.json

# Write the spec of a node of this federation from the demo's, with what sed is told.
write_spec() { # node, the demo's node, sed script
    sed "s/^name: .*/name: $1/; $3" "nodes/$2.yaml" >"nodes/$1.yaml.draft"
    cmp --silent "nodes/$1.yaml.draft" "nodes/$1.yaml" || mv "nodes/$1.yaml.draft" "nodes/$1.yaml"
    rm -f "nodes/$1.yaml.draft"
}

# Write the spec of a member: of this federation, with a data set of phantoms. The demo's nodes ask for models that are
# masked or noisy. Phantoms need neither, and only open models of single sites can be compared; so a person reviews what
# leaves.
write_member() { # node, the demo's node, sed script
    local reviewer
    reviewer="output-review@$(sed -n 's/^    technical: .*@//p' "nodes/$2.yaml")"
    write_spec "$1" "$2" "
        s/^  file: .*/  file: $(basename "$published")/
        s/^  fingerprint: .*/  fingerprint: sha256:$(sha256sum "$published" | cut -d' ' -f1)/
        s/^fl_agent: .*/fl_agent: {output: {reviewed_by: $reviewer}}/
        s/lung-ct/phantoms/; s/mammography/phantoms/
        $3"
}

# Hospital b has a scanner that cannot speak TLS, and a waiver for it that nobody signed: here it is left at home. If a
# compute node has joined, it is the one that gets copies.
write_hospitals() {
    local lends="" address
    address="$(address_of try-compute)"
    [ -z "$address" ] || lends="s/to: demo-compute, at: [0-9.]*/to: try-compute, at: $address/"
    write_member try-hospital-a demo-hospital-a ""
    write_member try-hospital-b demo-hospital-b "/US-OLD-2/d; /^compliance:/,\$d; $lends"
}

# Print the address of the one host of a node, nothing if it has none.
address_of() {
    .venv/bin/cairn sandbox list --format json | .venv/bin/python -c 'import json, sys
print(*(one["address"] for one in json.load(sys.stdin)["hosts"] if one["node"] == sys.argv[1]))' "$1"
}

# Put an invitation beside the spec of a node that is no member yet.
invite() { # node
    local members
    # Read to the end: whoever prints into a closed pipe fails.
    members="$(.venv/bin/cairn hub nodes --hub try-hub)"
    grep --quiet "^ *$1 *enrolled" <<<"$members" && return
    rm -f "nodes/$1.invitation.json"
    show_and_run cairn hub invite "$1" --hub try-hub --stage staging --out "nodes/$1.invitation.json"
}

# Print the digest of the application.
digest() {
    sha256sum "$app" | cut -d' ' -f1
}

# Have a site approve the application for its phantoms, under the first permit of its spec.
approve() { # node
    local permit approver
    permit="$(sed -n 's/^ *- id: "\(.*\)"/\1/p' "nodes/$1.yaml" | head -n 1)"
    approver="$(sed -n 's/^    data_protection: //p' "nodes/$1.yaml")"
    show_and_run cairn app approve "$1" "$(digest)" --dataset phantoms --permit "$permit" \
        --file "$app" --signer "$root/signer.pub" --by "$approver" --yes
}

# Train with some settings, and take the results home; their folder is then `$result`.
train() { # KEY=VALUE...
    local settings=() one run
    for one in "$@" num-server-rounds="${ROUNDS:-3}"; do settings+=(--set "$one"); done
    show_and_run cairn app run try-hub "$(digest)" --by ops@hub.demo.example "${settings[@]}"
    run="$(.venv/bin/cairn runs try-hub --format json | .venv/bin/python -c 'import json, sys
print([one["run"] for one in json.load(sys.stdin)["lines"] if one.get("run")][-1])')"
    result="$root/results/$run"
    [ -d "$result" ] || show_and_run cairn app fetch try-hub "$run" --out "$result"
}
