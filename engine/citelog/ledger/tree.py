"""The Merkle tree of a log: leaves are only ever added, and one hash stands for all of them (RFC 9162, section 2.1).

A *node* is the root of a whole subtree: `(level, i)` stands over the 2^level leaves from i * 2^level on. Once its last
leaf is there it never changes, so it is stored with that leaf. Whatever else is needed, the root of any size and every
proof, is put together from a few stored nodes: as many as the size has binary digits, or twice that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Node = Callable[[int, int], bytes]
"""Gives the hash of a stored node, by its level and its place on that level."""

EMPTY = hashlib.sha256().digest()
"""The root of no leaves (2.1.1)."""

WIDTH = hashlib.sha256().digest_size


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf (2.1.1).

    >>> leaf_hash(b"").hex()[:16]  # the first hash of the RFC 6962 test vectors
    '6e340b9cffb37a98'
    """
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees (2.1.1); its prefix keeps a node from passing for a leaf."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: its size and the roots of the whole subtrees that it is made of, the largest first.

    It is all that a tree needs in order to grow.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, node: Node, size: int) -> Edge:
        """The edge of a stored tree at any size that it had."""
        return cls(size, tuple(node(level, i) for level, i in whole(0, size)))

    @property
    def root(self) -> bytes:
        """The hash of the whole tree.

        >>> Edge().root == EMPTY
        True
        """
        if not self.peaks:
            return EMPTY
        *others, hash_ = self.peaks
        for peak in reversed(others):
            hash_ = node_hash(peak, hash_)
        return hash_

    def add(self, leaf: bytes) -> tuple[Edge, tuple[bytes, ...]]:
        """The edge with one leaf more, and the nodes that this leaf completes: itself first, then upwards.

        >>> edge = Edge()
        >>> for entry in b"a", b"b", b"c", b"d":
        ...     edge, done = edge.add(leaf_hash(entry))
        ...     print(edge.size, len(edge.peaks), len(done))
        1 1 1
        2 1 2
        3 2 1
        4 1 3
        """
        done, peaks = [leaf], list(self.peaks)
        for level in range(completes(self.size)):
            done.append(node_hash(peaks.pop(), done[level]))
        return Edge(self.size + 1, (*peaks, done[-1])), tuple(done)


def completes(number: int) -> int:
    """How many nodes above it a leaf completes: the ones at the end of its number in binary.

    >>> [completes(number) for number in range(8)]
    [0, 1, 0, 2, 0, 1, 0, 3]
    """
    return (~number & (number + 1)).bit_length() - 1


def whole(first: int, end: int) -> list[tuple[int, int]]:
    """The nodes that the leaves from `first` up to `end` are made of, the largest first.

    `first` is a multiple of the largest power of two that is not greater than their number, as in every split of 2.1.1.

    >>> whole(0, 7)
    [(2, 0), (1, 2), (0, 6)]
    """
    nodes = []
    while first < end:
        level = (end - first).bit_length() - 1
        nodes.append((level, first >> level))
        first += 1 << level
    return nodes


def _split(size: int) -> int:
    """The largest power of two smaller than a size (k in 2.1.1)."""
    return 1 << (size - 1).bit_length() - 1


def _root(node: Node, first: int, end: int) -> bytes:
    """The hash over the leaves from `first` up to `end`."""
    return Edge(end - first, tuple(node(level, i) for level, i in whole(first, end))).root


def inclusion(node: Node, number: int, size: int) -> tuple[bytes, ...]:
    """The path that shows that leaf `number` is in the tree of a size (2.1.3.1), from its sibling up.

    Raises ValueError where there is no such leaf.
    """
    if not 0 <= number < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {number}")
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if number < middle:
            path.append(_root(node, middle, end))
            end = middle
        else:
            path.append(_root(node, first, middle))
            first = middle
    return tuple(reversed(path))


def consistency(node: Node, old: int, size: int) -> tuple[bytes, ...]:
    """The path that shows that the tree of a size begins with the tree of an older size (2.1.4.1, SUBPROOF).

    Empty where both are the same or the older is empty. Raises ValueError where the older is the larger.
    """
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} leaves never had {old}")
    if old in (0, size):
        return ()
    path: list[bytes] = []
    first, end = 0, size
    while old < end:
        middle = first + _split(end - first)
        if old <= middle:
            path.append(_root(node, middle, end))
            end = middle
        else:
            path.append(_root(node, first, middle))
            first = middle
    if first:  # else the old root is in the verifier's hands
        path.append(_root(node, first, end))
    return tuple(reversed(path))


def includes(root: bytes, size: int, number: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether a path shows that a leaf is in the tree (2.1.3.2, step by step)."""
    if not 0 <= number < size:
        return False
    fn, sn, r = number, size - 1, leaf
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def extends(old_root: bytes, old: int, root: bytes, size: int, path: Sequence[bytes]) -> bool:
    """Whether a path shows that a tree begins with the older one (2.1.4.2, step by step).

    Two trees of one size are the same tree; every tree begins with the empty one.
    """
    if not 0 <= old <= size:
        return False
    if old == size:
        return not path and old_root == root
    if old == 0:
        return not path and old_root == EMPTY
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = steps[0]
    for c in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == root
