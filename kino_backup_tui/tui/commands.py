"""The page's actions in the command palette: those that are possible now."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from kino_backup_tui.tui.actions import PAGE_ACTIONS, Action


class PageCommands(Provider):
    """Offers and finds the actions of the page."""

    async def discover(self) -> Hits:
        """Everything possible, before anything is typed."""
        for action in self._possible():
            yield DiscoveryHit(self._display(action), self._runner(action), help=action.tooltip)

    async def search(self, query: str) -> Hits:
        """What is possible and fits what was typed."""
        matcher = self.matcher(query)
        for action in self._possible():
            score = matcher.match(action.command)
            if score > 0:
                yield Hit(score, matcher.highlight(action.command), self._runner(action), help=action.tooltip)

    def _possible(self) -> Iterator[Action]:
        return (action for action in PAGE_ACTIONS if self.screen.check_action(action.action, ()))

    def _display(self, action: Action) -> str:
        return f"{action.command}  ({action.shown_key})" if action.shown_key else action.command

    def _runner(self, action: Action) -> Callable[[], Coroutine[None, None, None]]:
        return partial(self.screen.run_action, action.action)
