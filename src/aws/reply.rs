//! What an error reply of AWS's JSON protocol says.
//!
//! The code is in `X-Amzn-Errortype` or in `__type`, possibly with a namespace before `#` and a
//! URL after `:`; the message member is `message` or `Message`.
//! Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>.
//! STS speaks the query protocol, whose errors are XML: `Code` and `Message` within `Error`.
//! Source: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization>.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::Value;

/// An error reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ErrorReply {
    /// HTTP status.
    pub status: u16,
    /// Code; empty when the reply is not AWS's, such as the page of a proxy.
    pub code: String,
    /// Message; empty when there is none.
    pub message: String,
    /// The kind of what was not found, as the identity store says it: `USER`, `IDENTITY_STORE`, …
    pub resource_type: Option<String>,
    /// AWS's id of the request.
    pub request_id: Option<String>,
    /// How long AWS asks to wait, or zero.
    pub retry_after: Duration,
}

impl ErrorReply {
    /// Reads a reply that is not a success.
    pub fn read(response: &HttpResponse) -> Self {
        let bytes = response.body().bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
        let text = |member: &str| body.get(member).and_then(Value::as_str).map(str::to_owned);
        let xml = std::str::from_utf8(bytes).ok().filter(|text| text.contains("<ErrorResponse"));
        let element = |name: &str| xml.and_then(|text| element(text, name)).map(str::to_owned);
        let headers = response.headers();
        let code = headers
            .get("x-amzn-errortype")
            .map(str::to_owned)
            .or_else(|| text("__type"))
            .or_else(|| text("code"))
            .or_else(|| element("Code"))
            .unwrap_or_default();
        let seconds = headers
            .get("retry-after")
            .and_then(|value| value.trim().parse().ok())
            .or_else(|| body.get("RetryAfterSeconds").and_then(Value::as_u64));
        Self {
            status: response.status().as_u16(),
            code: bare(&code).to_owned(),
            message: text("message")
                .or_else(|| text("Message"))
                .or_else(|| element("Message"))
                .unwrap_or_default(),
            resource_type: text("ResourceType"),
            request_id: headers
                .get("x-amzn-requestid")
                .or_else(|| headers.get("x-amz-request-id"))
                .map(str::to_owned),
            retry_after: Duration::from_secs(seconds.unwrap_or(0)),
        }
    }
}

/// `aws.sso#ConflictException:http://…` without what is around the code.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

/// The text of the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> ErrorReply {
        let mut response =
            HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_owned()));
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        ErrorReply::read(&response)
    }

    #[test]
    fn codes_are_found_where_aws_puts_them() {
        let plain =
            reply(400, &[], r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
        assert_eq!(
            (plain.code.as_str(), plain.message.as_str()),
            ("ThrottlingException", "Rate exceeded")
        );
        let spaced = reply(400, &[], r#"{"__type":"aws.sso#ConflictException","Message":"busy"}"#);
        assert_eq!((spaced.code.as_str(), spaced.message.as_str()), ("ConflictException", "busy"));
        let header = reply(
            400,
            &[
                ("x-amzn-errortype", "ValidationException:http://internal.amazon.com/"),
                ("x-amzn-requestid", "r-1"),
                ("retry-after", "3"),
            ],
            "{}",
        );
        assert_eq!(header.code, "ValidationException");
        assert_eq!(header.request_id.as_deref(), Some("r-1"));
        assert_eq!(header.retry_after, Duration::from_secs(3));
    }

    #[test]
    fn an_error_of_sts_is_read_too() {
        let body = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
            <Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        let denied = reply(403, &[], body);
        assert_eq!((denied.code.as_str(), denied.message.as_str()), ("AccessDenied", "no"));
        assert_eq!(reply(403, &[], "<html><Code>Forbidden</Code></html>").code, "");
    }

    #[test]
    fn what_is_not_of_aws_has_no_code() {
        for body in ["", "<html>Bad Gateway</html>", "[1]", r#"{"__type":7}"#, "null"] {
            let reply = reply(502, &[], body);
            assert_eq!((reply.status, reply.code.as_str()), (502, ""));
        }
    }
}
