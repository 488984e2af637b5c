//! Whether a component uses the asynchronous component model: its built-in functions, its way of lifting and lowering, or
//! its types.

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentCanonicalSectionReader, ComponentDefinedType, ComponentType,
    ComponentTypeDeclaration, ComponentTypeSectionReader, InstanceTypeDeclaration,
};

/// Whether one of these functions is asynchronous.
pub(super) fn in_functions(functions: ComponentCanonicalSectionReader<'_>) -> wasmparser::Result<bool> {
    for function in functions {
        if is_concurrent(&function?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether one of these types is.
pub(super) fn in_types(types: ComponentTypeSectionReader<'_>) -> wasmparser::Result<bool> {
    for kind in types {
        if has_concurrent(&kind?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Everything but plain lifting and lowering, resources and threads came with the asynchronous component model.
fn is_concurrent(function: &CanonicalFunction) -> bool {
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => {
            options.iter().any(|it| matches!(it, CanonicalOption::Async | CanonicalOption::Callback(_)))
        }
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. }
        | CanonicalFunction::ThreadSpawnRef { .. }
        | CanonicalFunction::ThreadSpawnIndirect { .. }
        | CanonicalFunction::ThreadAvailableParallelism => false,
        _ => true,
    }
}

fn has_concurrent(kind: &ComponentType<'_>) -> bool {
    match kind {
        ComponentType::Defined(defined) => {
            matches!(defined, ComponentDefinedType::Stream(_) | ComponentDefinedType::Future(_))
        }
        ComponentType::Func(function) => function.async_,
        ComponentType::Instance(declarations) => declarations
            .iter()
            .any(|declaration| matches!(declaration, InstanceTypeDeclaration::Type(kind) if has_concurrent(kind))),
        ComponentType::Component(declarations) => declarations
            .iter()
            .any(|declaration| matches!(declaration, ComponentTypeDeclaration::Type(kind) if has_concurrent(kind))),
        ComponentType::Resource { .. } => false,
    }
}
