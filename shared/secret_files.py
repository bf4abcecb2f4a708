"""Settings and secrets from files: what a platform mounts into a container instead of putting it into variables.

Every setting `X` can also be given as `X_FILE`, the path of a file with the value. Settings that name their file
themselves (`password_file`) are read anew whenever the value is needed, so that a secret may rotate.
"""

import os
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from shared.errors import Invalid

SUFFIX = "_FILE"
_LARGEST = 1_000_000
"""Bytes that a file with a setting may have."""


def read_setting(file: Path | str) -> str:
    """The content of a file without the line break at its end. Raises Invalid, which never shows the content."""
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise Invalid(f"the file {file} is too large for a setting")
        return content.decode().rstrip("\r\n")
    except OSError as error:
        raise Invalid(f"the file {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Invalid(f"the file {file} is not UTF-8 text") from None


def current(value: SecretStr, file: Path | None) -> str:
    """A secret as it is now: from its file where it has one."""
    return read_setting(file) if file is not None else value.get_secret_value()


class FilesSource(PydanticBaseSettingsSource):
    """Reads `X_FILE` for the variable `X` of every setting that has no field for its file."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = _variable(self.settings_cls, field, field_name)
        file = os.environ.get(variable + SUFFIX)
        if not file or f"{field_name}{SUFFIX.lower()}" in self.settings_cls.model_fields:
            return None, field_name, False
        if variable in os.environ:
            raise Invalid(f"{variable} and {variable}{SUFFIX} are both set: give one of them")
        return read_setting(file), field_name, self.field_is_complex(field)

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, is_complex = self.get_field_value(field, name)
            if value is not None:
                found[key] = self.prepare_field_value(name, field, value, is_complex)
        return found


class Settings(BaseSettings):
    """Settings from arguments, then variables, then the files that variables name."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, FilesSource(settings_cls)


def _variable(settings: type[BaseSettings], field: FieldInfo, name: str) -> str:
    """The environment variable of a field."""
    if isinstance(field.validation_alias, str):
        return field.validation_alias
    return f"{settings.model_config.get('env_prefix', '')}{name.upper()}"
