//! The layout of a package: what lies in its manifest, its config, its layer and what refers to it. Bytes in, bytes out.

mod blob;
mod cases;
mod pack;
mod read;

pub use blob::{Artifact, Blob, Descriptor, Index, OciManifest};
pub use cases::{CaseFile, CasesError, pack_cases, read_cases};
pub use pack::{Docs, Draft, PackError, Packed, pack, signature};
pub use read::{LayoutError, Package, docs, read, read_artifact};

/// Media types and annotations, as other people's tools know them.
pub mod media {
    /// A manifest.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// A list of manifests.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// The config of a component.
    pub const CONFIG: &str = "application/vnd.wasm.config.v0+json";
    /// A component.
    pub const COMPONENT: &str = "application/wasm";
    /// The config of what needs none.
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// What refers to a package and holds its README, cases and icon.
    pub const DOCS: &str = "application/vnd.weft.package.docs.v1";
    /// What refers to a package and holds a signature.
    pub const SIGNATURE: &str = "application/vnd.weft.signature.v1";
    /// A signature.
    pub const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
    /// A README.
    pub const README: &str = "text/markdown";
    /// Cases.
    pub const CASES: &str = "application/vnd.weft.cases.v1.tar";
    /// An icon.
    pub const ICON: &str = "image/svg+xml";
}

/// Annotations of a package's manifest.
pub mod annotation {
    /// `namespace/name`; of a layer its file name.
    pub const TITLE: &str = "org.opencontainers.image.title";
    /// The version, semver.
    pub const VERSION: &str = "org.opencontainers.image.version";
    /// One sentence.
    pub const DESCRIPTION: &str = "org.opencontainers.image.description";
    /// The SPDX expression of its licence.
    pub const LICENSES: &str = "org.opencontainers.image.licenses";
    /// Where its source is kept.
    pub const SOURCE: &str = "org.opencontainers.image.source";
    /// Which state of the source.
    pub const REVISION: &str = "org.opencontainers.image.revision";
    /// Who wrote it, separated by commas.
    pub const AUTHORS: &str = "org.opencontainers.image.authors";
    /// When; always the same, so that the same bytes have the same digest.
    pub const CREATED: &str = "org.opencontainers.image.created";
    /// The manifest of the function, as JSON.
    pub const FUNCTION: &str = "io.weft.function.manifest";
    /// Words to find it by, separated by commas.
    pub const CATEGORIES: &str = "io.weft.categories";
    /// The digest of its README.
    pub const README: &str = "io.weft.readme.digest";
    /// The digest of its cases.
    pub const CASES: &str = "io.weft.cases.digest";
    /// The digest of its icon.
    pub const ICON: &str = "io.weft.icon.digest";
}

/// The most bytes of each part.
pub mod most {
    /// Of a manifest.
    pub const MANIFEST: usize = 1 << 20;
    /// Of a function's manifest within it.
    pub const FUNCTION: usize = 256 << 10;
    /// Of a config.
    pub const CONFIG: u64 = 256 << 10;
    /// Of a component.
    pub const COMPONENT: u64 = 256 << 20;
    /// Of a README.
    pub const README: u64 = 1 << 20;
    /// Of cases, packed.
    pub const CASES: u64 = 16 << 20;
    /// Of an icon.
    pub const ICON: u64 = 256 << 10;
    /// Files among the cases.
    pub const CASE_FILES: usize = 500;
}

/// When every package was made, so that the same bytes have the same digest.
pub const CREATED: &str = "2000-01-01T00:00:00Z";

#[cfg(test)]
mod tests;
