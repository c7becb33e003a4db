"""Which currencies an amount may name, with the digits behind the point of one major unit."""

from iso4217 import Currency

from danbao.schemas.document import Json


def currencies() -> Json:
    """Document `schemas/currencies.json`."""
    return {
        "$comment": "Made from the code by `make schemas`. Amounts are whole minor units: "
        "`digits` 2 means that 12345 is 123.45.",
        "currencies": {
            currency.code: {"digits": currency.exponent, "name": currency.currency_name}
            for currency in Currency
        },
    }
