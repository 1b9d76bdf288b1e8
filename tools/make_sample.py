"""Write data/sample anew: ``python -m tools.make_sample`` in the checkout. tests/support/sample.py tells what it is."""

from tests.support.sample import SAMPLE, write

if __name__ == "__main__":
    write()
    files = [path for path in SAMPLE.rglob("*") if path.is_file()]
    print(f"{SAMPLE}: {len(files)} files, {sum(path.stat().st_size for path in files)} bytes")
