"""`python -m danbao` is `danbao`."""

from danbao.cli.main import main

main()
