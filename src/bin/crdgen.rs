//! Writes the CRDs to `crds/` and to the chart.

use std::path::Path;

use rollback_operator::api::crd;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for directory in ["crds", "charts/rollback-operator/crds"] {
        std::fs::create_dir_all(root.join(directory))?;
        for (file, crd) in crd::all()? {
            std::fs::write(root.join(directory).join(file), serde_saphyr::to_string(&crd)?)?;
        }
    }
    Ok(())
}
