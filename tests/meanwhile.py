"""Something that is done again and again beside a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def meanwhile(act: Callable[[], object], pause: float = 0.02) -> Iterator[None]:
    """Within, it is done in another thread, so many seconds apart; what it raises is raised at the end."""
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set():
            act()
            over.wait(pause)

    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(repeat)
        try:
            yield
        finally:
            over.set()
        doing.result()
