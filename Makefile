# Everything a person runs from a checkout. The work is done by the scripts in tools/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo modes test long lint format bench lock clean

# One node of nodes/ for the demo; a whole federation if empty.
NODE ?=

help: ## Show this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: ## Install all that Cairn needs; a second run takes a moment
	@tools/setup

demo: setup ## Bring up a hub and two hospitals on this computer, and train over both; NODE=demo-hospital-a for one
	@tools/demo $(NODE)

modes: setup ## After the demo a compute node joins and trains on a copy; one table of the modes
	@tools/demo-modes

test: setup ## Lint, then run all tests; with root also those on real sandbox hosts; AGAIN=yes if they passed before
	@AGAIN=$(AGAIN) tools/test

long: setup ## Run the tests that take too long for every run, on real sandbox hosts
	@tools/test long

lint: setup ## Judge Python, Ansible and shell without changing anything
	@tools/lint

format: setup ## Bring Python into the one format
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

bench: setup ## Measure Cairn and what it is compared with
	@tools/bench

lock: ## Write the locks anew from requirements.in and requirements-dev.in
	@tools/lock

clean: ## Remove sandbox hosts, environment and private folder; CONFIRM=yes if nodes have state
	@CONFIRM=$(CONFIRM) tools/clean
