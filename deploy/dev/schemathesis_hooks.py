"""What schemathesis has to know of this API that its description cannot say."""

import schemathesis
from hypothesis import strategies as st

# The bytes of a component: a preamble and noise, so that more than the first four bytes are looked at.
components = st.binary(max_size=512).map(lambda noise: b"\0asm\x0d\0\x01\0" + noise)
schemathesis.openapi.media_type("application/wasm", components)

# An archive is read from its first byte on.
schemathesis.openapi.media_type("application/gzip", st.binary(max_size=512).map(lambda noise: b"\x1f\x8b\x08" + noise))


@schemathesis.serializer("application/wasm", "application/gzip", "application/octet-stream")
def as_it_stands(ctx, value):
    """Bytes are sent as they are."""
    return value if isinstance(value, bytes) else str(value).encode()
