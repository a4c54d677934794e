"""`make bench`: run every module of this folder that has a `main()`, or those named."""

import importlib
import pkgutil
import sys
from pathlib import Path


def main() -> int:
    """Run the benchmarks named on the command line, or all."""
    names = [each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)])]
    chosen = sys.argv[1:] or [name for name in names if not name.startswith("_")]
    for name in chosen:
        if name not in names:
            sys.stderr.write(f"no benchmark {name}: there are {', '.join(names)}\n")
            return 2
        module = importlib.import_module(f"tests.bench.{name}")
        if hasattr(module, "main"):
            sys.stdout.write(f"\n== {name}: {(module.__doc__ or '').strip().splitlines()[0]}\n")
            sys.stdout.flush()
            sys.argv = [f"tests.bench.{name}"]
            module.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
