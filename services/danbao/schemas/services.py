"""All services as values, found by the names of the catalogue."""

from importlib import import_module

from danbao.contracts.catalogue import SERVICES
from danbao.contracts.decider import AnyDecider, Service
from danbao.contracts.message import Message


def all_services() -> tuple[Service, ...]:
    """Every service, in the order of the catalogue."""
    services: tuple[Service, ...] = tuple(
        import_module(f"danbao.{name}.service").service for name in SERVICES
    )
    return services


def decider_of(wish: type[Message]) -> AnyDecider:
    """Give the decider that answers this wish.

    Raises:
        LookupError: no service does.
    """
    for service in all_services():
        for decider in service.deciders:
            if wish in decider.commands:
                return decider
    raise LookupError(wish.__name__)
