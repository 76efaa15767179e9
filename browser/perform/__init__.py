"""The hands: one action carried out on a page, and judged by its effect there. One action family a module."""

from browser.perform.dispatch import perform

__all__ = ["perform"]
