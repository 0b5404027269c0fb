# Every command a person needs; `make` lists them. The work is done in tools/, bench/ and press/.

KNOWN := PYTHON PORT TORCH_INDEX OPTIONS
UNKNOWN := $(filter-out $(KNOWN),$(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $(v))),$(v))))
ifneq ($(strip $(UNKNOWN)),)
$(error Unknown variable $(strip $(UNKNOWN)). Known are: $(KNOWN))
endif

# the Python of the environment that is there already, so that PYTHON= is said once
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
PORT ?= 8000
RUN := .venv/bin/python
export TORCH_INDEX

.PHONY: help install book test release notebooks serve lab bench examine kernel lint lock clean clean-all

help:  # list these commands
	@sed -n 's/^\([a-z-]*\):.*# \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo "Variables: PYTHON=python3.12 (which Python), PORT=8000 (of serve), TORCH_INDEX=url (of a CPU build of torch), OPTIONS=--help (of release, bench, examine and notebooks)"

install:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "There is no $(PYTHON): install Python 3.11 to 3.13, or say where it is with PYTHON=path." >&2; exit 1; }
	@"$(PYTHON)" tools/install.py

book: install  # run every chapter and write the book to _build/html
	@$(RUN) tools/build.py

test: install  # run every test, of the library and of the book, on all cores
	@OMP_NUM_THREADS=1 $(RUN) -m pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

release: book  # make files of the book, for reading offline and on paper: ZIP, PDF and EPUB (OPTIONS=pdf for one)
	@$(RUN) press/press.py $(OPTIONS)

notebooks: book  # run every chapter's notebook alone, in a new environment (OPTIONS=--help)
	@$(RUN) tools/stranger.py $(OPTIONS)

serve: install  # show the built book at a local address
	@$(RUN) tools/serve.py $(PORT)

lab: install  # open the chapters as notebooks in JupyterLab, with the models that the book has trained
	@TINYLM_CACHE="$(CURDIR)/_build/models" $(RUN) -m jupyterlab --notebook-dir=chapters

bench: install  # time training and generating beside other libraries (OPTIONS=--quick for a short run)
	@$(RUN) bench/bench.py $(OPTIONS)

examine: install  # train the base model with five seeds and measure what it can do, in an hour (OPTIONS=--help)
	@$(RUN) tools/examine.py $(OPTIONS)

kernel: install  # build the live models' WebAssembly from its source
	@$(RUN) -c "import wasmtime, pathlib; page = pathlib.Path('tinylm/live/page'); (page / 'kernel.wasm').write_bytes(wasmtime.wat2wasm((page / 'kernel.wat').read_text()))"

lint: install  # check style, spelling, and the workflows
	@$(RUN) -m ruff check && $(RUN) -m ruff format --check && $(RUN) -m codespell_lib
	@.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml && .venv/bin/zizmor --offline --quiet .github

lock: install  # pin the environment anew from the ranges in pyproject.toml
	@$(RUN) tools/lock.py

clean:  # remove the pages, and keep what the chapters computed
	@rm -rf _build/html _build/aside

clean-all:  # remove all that was built, trained and installed
	@rm -rf _build .venv

.DEFAULT:
	@echo "There is no command '$@': 'make' lists what there is." >&2; exit 2
