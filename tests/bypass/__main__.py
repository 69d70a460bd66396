"""Write docs/bypass-matrix.md."""

from __future__ import annotations

from tests.bypass import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
