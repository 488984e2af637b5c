//! Bodies of inference requests.

use host_wire::oip::InferRequest;

/// A tensor that is accepted has as many bytes as its shape and type promise.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(request) = serde_json::from_slice::<InferRequest>(bytes) else { return };
    for input in request.inputs {
        let Ok(tensor) = input.into_tensor() else { continue };
        let Some(width) = tensor.dtype.width() else { continue };
        let promised = tensor.shape.iter().product::<u64>() * width as u64;
        assert_eq!(tensor.data.len() as u64, promised, "{:?} of {:?}", tensor.shape, tensor.dtype);
    }
}
