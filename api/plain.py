"""Text in a question or a body: without NUL, which PostgreSQL has in no text, and no longer than its place."""

from typing import Annotated

from pydantic import StringConstraints

PLAIN = r"^[^\x00]*$"

Word = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PLAIN)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=PLAIN)]
Note = Annotated[str, StringConstraints(max_length=2000, pattern=PLAIN)]
Document = Annotated[str, StringConstraints(max_length=65_536, pattern=PLAIN)]
