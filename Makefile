# Everything from a fresh clone; only Python 3.11 or later, make and git must be there. `make help` lists it.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
BIN := .venv/bin
VENV := .venv/.locked
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help run demo stop reset logs test kills lint specs format bench quality up down lock clean

help:  ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: $(VENV)  ## Start all on this machine, show one complaint's journey, stay until Ctrl-C
	@exec $(BIN)/python -m stack run

demo: $(VENV)  ## The same, but end by itself: exit 0 if every step held
	@exec $(BIN)/python -m stack demo

stop: $(VENV)  ## Stop what runs; data are kept
	@exec $(BIN)/python -m stack stop

reset: $(VENV)  ## Erase all data (asks; FORCE=1 does not)
	@exec $(BIN)/python -m stack reset $(if $(FORCE),--force)

logs: $(VENV)  ## Follow the logs (NAME=routing for one of them)
	@exec $(BIN)/python -m stack logs $(NAME)

test: $(VENV)  ## Run all tests, a file to each core (ARGS="tests/unit -x" for some)
	@exec $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

kills: $(VENV)  ## Run the kill test alone: 3,000 complaints while every process is killed
	@exec $(BIN)/python -m pytest -s tests/resilience

lint: $(VENV)  ## Check style, types, layers, contracts and the compose file
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/tanggap contracts check
	$(BIN)/python -m docs.api --check
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

specs: $(VENV)  ## Write docs/api anew: OpenAPI and AsyncAPI of each service, from its code
	$(BIN)/python -m docs.api

format: $(VENV)  ## Format the code
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

bench: $(VENV)  ## Measure against the plain floor (ARGS=--json for a program)
	@exec $(BIN)/python -m bench $(ARGS)

quality: $(VENV)  ## Measure how often routing is right (ARGS=FILE: also against the wards' boundaries)
	@exec $(BIN)/python -m quality $(ARGS)

up: $(VENV)  ## Run the same with docker compose
	@$(BIN)/python -m stack compose-secrets
	docker compose up --build --detach --wait

down:  ## Stop docker compose; its volumes are kept
	docker compose down

lock: $(VENV)  ## Resolve all versions anew: Python packages and Kafka's jars, with their hashes
	$(PYTHON) stack/bootstrap.py lock
	$(BIN)/python -m stack lock-jars

clean:  ## Remove the virtual environment and what tools left; data are kept
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV): requirements-dev.lock pyproject.toml stack/bootstrap.py
	@$(PYTHON) stack/bootstrap.py || { echo "make: no virtual environment, so nothing was started" >&2; exit 1; }
