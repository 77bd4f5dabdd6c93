//! Who signed a request. Signatures are not checked: the access key and the region are believed.

/// What the scope of a signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Credential<'a> {
    pub access_key: &'a str,
    pub region: &'a str,
}

/// Reads `AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/sso/aws4_request, …`.
pub(super) fn parse(authorization: &str) -> Option<Credential<'_>> {
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256")?;
    let scope = fields.split(',').find_map(|field| field.trim().strip_prefix("Credential="))?;
    let mut parts = scope.split('/');
    let access_key = parts.next().filter(|key| !key.is_empty())?;
    let region = parts.nth(1)?;
    Some(Credential { access_key, region })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_and_the_region_are_found() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/sso/aws4_request, SignedHeaders=host, Signature=00";
        assert_eq!(parse(header), Some(Credential { access_key: "AKIA", region: "eu-west-1" }));
        for other in ["Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=/1/2/3", ""] {
            assert_eq!(parse(other), None);
        }
    }
}
