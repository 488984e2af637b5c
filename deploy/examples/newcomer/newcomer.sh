#!/bin/sh
# A newcomer's first minutes with a host that was just started (`fn up`): finds functions that others wrote, reads what
# they do, pulls them, has them verified, and runs a pipeline made of nothing else. FN names the program, `fn` otherwise.
set -eu

folder=$(dirname "$0")
fn() { "${FN:-fn}" "$@"; }

fn search train
fn doc std/train-linear

for name in load-dataset prepare train-linear evaluate; do
    fn verify "std/$name"
    fn pull "std/$name" --yes
done

fn list
fn pipeline submit "$folder/pipeline.yaml"
