"""What schemathesis has to be told besides the descriptions; it reads this module by SCHEMATHESIS_HOOKS."""

import schemathesis

# A raw mail is sent as it is.
schemathesis.serializer.alias("message/rfc822", "application/octet-stream")
