#!/bin/sh
# Scores the example campaign with SpamAssassin (Debian package `spamassassin`), by its local tests alone: no look-ups
# in the network, so nothing about SPF, DKIM and lists of senders. Prints the rules that matched and their points.
# Another message: shared/mailer/score.sh FILE
set -eu
folder=$(dirname "$0")
message=$(mktemp)
trap 'rm -f "$message"' EXIT
if [ $# -gt 0 ]; then
    cp "$1" "$message"
else
    cargo run --quiet --manifest-path "$folder/Cargo.toml" --example message > "$message"
fi
spamassassin --local --test-mode --nocreate-prefs < "$message" | sed -n '/^Content analysis details/,$p'
