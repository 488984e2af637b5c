//! `LabelEncoder`: values looked up in a table.

use std::collections::HashMap;

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::{
    attributes,
    kernel::{self, Kernel, Kind},
};

/// A column of the table.
#[derive(Debug)]
enum Column {
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
}

/// Where a key stands in the table.
#[derive(Debug)]
enum Index {
    Integers(HashMap<i64, usize>),
    Floats(HashMap<u32, usize>),
    Texts(HashMap<String, usize>),
}

#[derive(Debug)]
struct LabelEncoder {
    index: Index,
    values: Column,
    /// One element, of the same type as the values.
    absent: Column,
}

pub(super) fn build(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let keys = Column::of(context, node, "keys")?;
    let values = Column::of(context, node, "values")?;
    let (len, values_len) = (keys.len(), values.len());
    node.expect(len == values_len, || format!("as many values as keys, got {values_len} for {len}"))?;
    let absent = values.absent(context, node)?;
    Ok(kernel::operator(LabelEncoder { index: keys.into_index(version(context) >= 4), values, absent }))
}

/// The version of ONNX's operators for machine learning that the file was written for.
fn version(context: &ParsingContext) -> i64 {
    let mut imports = context.model.opset_import.iter();
    imports.find(|it| it.domain == "ai.onnx.ml").map_or(1, |it| it.version)
}

impl Column {
    /// Reads `<name>_int64s`, `<name>_floats`, `<name>_strings` or `<name>_tensor`.
    fn of(context: &ParsingContext, node: &NodeProto, name: &str) -> TractResult<Self> {
        let integers: Vec<i64> = attributes::list(node, &format!("{name}_int64s"))?;
        let floats: Vec<f32> = attributes::list(node, &format!("{name}_floats"))?;
        let texts: Vec<String> = attributes::list(node, &format!("{name}_strings"))?;
        match (integers.is_empty(), floats.is_empty(), texts.is_empty()) {
            (false, true, true) => Ok(Self::Integers(integers)),
            (true, false, true) => Ok(Self::Floats(floats)),
            (true, true, false) => Ok(Self::Texts(texts)),
            (true, true, true) => match attributes::tensor(context, node, &format!("{name}_tensor"))? {
                Some(tensor) => Self::from_tensor(&tensor),
                None => node
                    .bail(&format!("expected `{name}_int64s`, `{name}_floats`, `{name}_strings` or `{name}_tensor`")),
            },
            _ => node.bail(&format!("expected only one kind of {name}")),
        }
    }

    fn from_tensor(tensor: &Tensor) -> TractResult<Self> {
        let elements = tensor.try_as_plain_ram()?;
        match tensor.datum_type() {
            DatumType::I64 => Ok(Self::Integers(elements.as_slice()?.to_vec())),
            DatumType::F32 => Ok(Self::Floats(elements.as_slice()?.to_vec())),
            DatumType::String => Ok(Self::Texts(elements.as_slice()?.to_vec())),
            other => bail!("cannot look up {other:?}"),
        }
    }

    /// What a key gives that is not in the table.
    fn absent(&self, context: &ParsingContext, node: &NodeProto) -> TractResult<Self> {
        if let Some(tensor) = attributes::tensor(context, node, "default_tensor")? {
            let absent = Self::from_tensor(&tensor)?;
            node.expect_attr("default_tensor", absent.len() == 1, "one element")?;
            node.expect_attr("default_tensor", absent.datum_type() == self.datum_type(), "the type of the values")?;
            return Ok(absent);
        }
        Ok(match self {
            Self::Integers(_) => Self::Integers(vec![node.get_attr_opt("default_int64")?.unwrap_or(-1)]),
            Self::Floats(_) => Self::Floats(vec![node.get_attr_opt("default_float")?.unwrap_or(-0.0)]),
            Self::Texts(_) => Self::Texts(vec![attributes::text(node, "default_string", "_Unused")?.to_owned()]),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Integers(column) => column.len(),
            Self::Floats(column) => column.len(),
            Self::Texts(column) => column.len(),
        }
    }

    fn datum_type(&self) -> DatumType {
        match self {
            Self::Integers(_) => DatumType::I64,
            Self::Floats(_) => DatumType::F32,
            Self::Texts(_) => DatumType::String,
        }
    }

    /// Of a key that stands twice the first counts.
    fn into_index(self, nan_is_a_key: bool) -> Index {
        match self {
            Self::Integers(column) => Index::Integers(first_places(column)),
            Self::Floats(column) => {
                let mut places = first_places(column.into_iter().map(float_key));
                if !nan_is_a_key {
                    places.remove(&f32::NAN.to_bits());
                }
                Index::Floats(places)
            }
            Self::Texts(column) => Index::Texts(first_places(column)),
        }
    }
}

impl Index {
    /// Where each element of the input stands.
    fn places(&self, input: &Tensor) -> TractResult<Vec<Option<usize>>> {
        Ok(match self {
            Self::Integers(index) => {
                let integers = input.cast_to::<i64>()?;
                let elements: &[i64] = integers.try_as_plain_ram()?.as_slice()?;
                elements.iter().map(|it| index.get(it).copied()).collect()
            }
            Self::Floats(index) => {
                let elements: &[f32] = input.try_as_plain_ram()?.as_slice()?;
                elements.iter().map(|it| index.get(&float_key(*it)).copied()).collect()
            }
            Self::Texts(index) => {
                let elements: &[String] = input.try_as_plain_ram()?.as_slice()?;
                elements.iter().map(|it| index.get(it).copied()).collect()
            }
        })
    }

    fn takes(&self, datum_type: DatumType) -> bool {
        match self {
            Self::Integers(_) => datum_type.is_integer() || datum_type == DatumType::TDim,
            Self::Floats(_) => datum_type == DatumType::F32,
            Self::Texts(_) => datum_type == DatumType::String,
        }
    }
}

impl Kernel for LabelEncoder {
    fn name(&self) -> &'static str {
        "LabelEncoder"
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        ensure!(self.index.takes(inputs[0].0), "has no keys of type {:?}", inputs[0].0);
        Ok(tvec![(self.values.datum_type(), inputs[0].1.clone())])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let places = self.index.places(&inputs[0])?;
        let shape = inputs[0].shape();
        Ok(tvec![match (&self.values, &self.absent) {
            (Column::Integers(values), Column::Integers(absent)) => look_up(shape, &places, values, absent)?,
            (Column::Floats(values), Column::Floats(absent)) => look_up(shape, &places, values, absent)?,
            (Column::Texts(values), Column::Texts(absent)) => look_up(shape, &places, values, absent)?,
            _ => bail!("the default is not of the type of the values"),
        }])
    }
}

fn look_up<T: Datum>(shape: &[usize], places: &[Option<usize>], values: &[T], absent: &[T]) -> TractResult<TValue> {
    let found = places.iter().map(|place| place.map_or(&absent[0], |place| &values[place]).clone()).collect();
    kernel::tensor(shape, found)
}

fn first_places<K: Eq + Hash>(keys: impl IntoIterator<Item = K>) -> HashMap<K, usize> {
    let mut places = HashMap::new();
    for (place, key) in keys.into_iter().enumerate() {
        places.entry(key).or_insert(place);
    }
    places
}

/// Equal for what counts as equal here: both zeros, and every NaN.
fn float_key(x: f32) -> u32 {
    if x == 0.0 {
        0
    } else if x.is_nan() {
        f32::NAN.to_bits()
    } else {
        x.to_bits()
    }
}
