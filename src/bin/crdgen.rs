//! Writes the CRDs to `crds/` and to the chart, and what they say about instances to the schema of the
//! chart's values.

use std::path::Path;

use rollback_operator::api::crd;
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for directory in ["crds", "charts/rollback-operator/files/crds"] {
        std::fs::create_dir_all(root.join(directory))?;
        for (file, crd) in crd::all()? {
            std::fs::write(root.join(directory).join(file), serde_saphyr::to_string(&crd)?)?;
        }
    }
    let values = root.join("charts/rollback-operator/values.schema.json");
    let mut schema: Value = serde_json::from_str(&std::fs::read_to_string(&values)?)?;
    schema["$defs"]["instance"] = crd::instance_values()?;
    std::fs::write(values, format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
    Ok(())
}
