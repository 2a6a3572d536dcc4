//! URLs by which an object can be put that is as large as it shall be and no larger: its size is among what is signed.
//! OpenDAL signs without it; what it makes says where the object is.
//!
//! S3: the header `Content-Length`, which every client sends, is signed, so a body of another size does not fit the
//! signature (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>). Google:
//! `x-goog-content-length-range`, which the client sends as it was told to
//! (<https://docs.cloud.google.com/storage/docs/xml-api/reference-headers>). Azure's signatures cover no size.

use anyhow::{Context as _, ensure};
use data_encoding::BASE64;
use opendal::HttpTransporter;
use reqsign_core::{Context, OsEnv, Signer};
use reqsign_file_read_tokio::TokioFileRead;
use ureq::http::header::CONTENT_LENGTH;
use ureq::http::request::Parts;
use ureq::http::{Request, Uri};

use super::bucket::LINK_TIME;
use super::http::Http;
use super::settings::{ObjectSettings, Service};
use crate::limits::SEGMENT_BYTES;

const RANGE: &str = "x-goog-content-length-range";

/// Signs where something is put.
pub enum Sized {
    S3(Signer<reqsign_aws_v4::Credential>),
    Google(Signer<reqsign_google::Credential>),
}

impl Sized {
    /// With the credentials that OpenDAL has too. `None`: the store has no such thing.
    ///
    /// # Errors
    /// When the settings do not fit together.
    pub fn of(settings: &ObjectSettings) -> anyhow::Result<Option<Self>> {
        let secret = settings.secret.as_ref().map(|secret| secret.0.as_str());
        let context = Context::new()
            .with_file_read(TokioFileRead)
            .with_http_send(HttpTransporter::new(Http::new()))
            .with_env(OsEnv);
        Ok(match &settings.service {
            Service::S3 { region, key_id, .. } => {
                let signer = reqsign_aws_v4::RequestSigner::new("s3", region);
                Some(Self::S3(match (key_id, secret) {
                    (Some(id), Some(secret)) => {
                        let provider = reqsign_aws_v4::StaticCredentialProvider::new(id, secret);
                        Signer::new(context, provider, signer)
                    }
                    _ => Signer::new(context, reqsign_aws_v4::DefaultCredentialProvider::new(), signer),
                }))
            }
            Service::Gcs => {
                let signer = reqsign_google::RequestSigner::new("storage");
                Some(Self::Google(match secret {
                    Some(json) => {
                        let json = BASE64.encode(json.as_bytes());
                        let provider = reqsign_google::StaticCredentialProvider::from_base64(json);
                        let provider = provider.context("Google: the secret is no service account's JSON")?;
                        Signer::new(context, provider, signer)
                    }
                    None => Signer::new(context, reqsign_google::DefaultCredentialProvider::new(), signer),
                }))
            }
            Service::Azblob { .. } => None,
        })
    }

    /// What goes along with a PUT, and clients do not send anyway.
    pub fn headers(&self) -> Vec<(String, String)> {
        match self {
            Self::S3(_) => Vec::new(),
            Self::Google(_) => vec![(RANGE.to_owned(), range())],
        }
    }

    /// Where so many bytes are to be put, which is where this URL says: what else it says is left out.
    ///
    /// # Errors
    /// When there are no credentials that can sign.
    pub async fn sign(&self, place: &Uri, bytes: u64) -> anyhow::Result<String> {
        let place = place.to_string();
        let (place, _) = place.split_once('?').unwrap_or((&place, ""));
        let put = Request::put(place);
        let put = match self {
            Self::S3(_) => put.header(CONTENT_LENGTH, bytes),
            Self::Google(_) => {
                ensure!(bytes <= SEGMENT_BYTES, "a segment has at most {SEGMENT_BYTES} bytes");
                put.header(RANGE, range())
            }
        };
        let (mut parts, ()): (Parts, ()) = put.body(())?.into_parts();
        match self {
            Self::S3(signer) => signer.sign(&mut parts, Some(LINK_TIME)).await?,
            Self::Google(signer) => signer.sign(&mut parts, Some(LINK_TIME)).await?,
        }
        Ok(parts.uri.to_string())
    }
}

/// One for all segments, since they all go with the same headers: the last is as large as it wants up to that.
fn range() -> String {
    format!("0,{SEGMENT_BYTES}")
}
