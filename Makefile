PYTHON_IN_VENV = .venv/bin/python
.DEFAULT_GOAL = help
.PHONY: help setup run test lint bench

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## Make .venv with all that is needed
	@sh scripts/setup.sh

run: setup ## Open the studio; without a display, run the demo offscreen
	@if [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	  echo "There is no display here, so the demo runs offscreen instead."; \
	  $(PYTHON_IN_VENV) main.py demo --out out/demo; \
	else \
	  $(PYTHON_IN_VENV) main.py; \
	fi

test: ## Check style, types, architecture and behaviour
	@sh scripts/setup.sh test
	@$(MAKE) --no-print-directory lint
	$(PYTHON_IN_VENV) -m pytest --ignore tests/engine --ignore tests/provenance
	@echo "The engine and provenance, with PySide6 blocked from import"
	ATELIER_BLOCK_QT=1 $(PYTHON_IN_VENV) -m pytest -p no:pytest-qt tests/engine tests/provenance

lint: setup ## ruff, mypy --strict, import contracts
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m mypy
	.venv/bin/lint-imports

bench: setup ## Measure speed on this machine
	$(PYTHON_IN_VENV) main.py bench
