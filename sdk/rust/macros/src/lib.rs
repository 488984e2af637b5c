//! The attributes of the `weft` crate, which documents them.

use proc_macro::TokenStream;
use quote::quote;
use syn::{Ident, ItemFn, parse_macro_input};

/// Makes a function the handler of events: the component's `weft:function/handler`.
///
/// It takes an `Event<T>`, where `T` is read from JSON (or is `Vec<u8>` or `String`, the bytes as they are), and returns
/// `Result<R, E>`: `R` an `Output<T>`, an `Option` or a `Vec` of them, `()`, or anything that serialises; `E` a
/// `Failure` or any error. An event that cannot be read fails with code `bad-json` before the function is called.
///
/// With `#[handler(batch)]` it takes a `Vec<Event<T>>` and returns as many results, in the same order.
#[proc_macro_attribute]
pub fn handler(options: TokenStream, item: TokenStream) -> TokenStream {
    let is_batch = match options.to_string().as_str() {
        "" => false,
        "batch" => true,
        other => return refuse(&format!("`{other}` is not an option: write #[handler] or #[handler(batch)]")),
    };
    let item = parse_macro_input!(item as ItemFn);
    let shape = if is_batch {
        "fn name(events: Vec<Event<T>>) -> Vec<Result<R, E>>"
    } else {
        "fn name(event: Event<T>) -> Result<R, E>"
    };
    if let Err(error) = check(&item, &[1], shape) {
        return error;
    }
    let glue = if is_batch { quote!(batch) } else { quote!(each) };
    let name = &item.sig.ident;
    quote! {
        #item

        const _: () = {
            struct Handler;

            impl ::weft::__private::Guest for Handler {
                fn handle(
                    events: ::std::vec::Vec<::weft::__private::Event>,
                ) -> ::std::vec::Vec<::weft::__private::Answer> {
                    ::weft::__private::#glue(events, #name)
                }
            }

            const _: fn(::std::vec::Vec<::weft::__private::Event>) -> ::std::vec::Vec<::weft::__private::Answer> =
                <Handler as ::weft::__private::Guest>::handle;

            #[cfg(target_arch = "wasm32")]
            ::weft::__private::export!(Handler with_types_in ::weft::__private::bindings);
        };
    }
    .into()
}

/// Makes a function the job of a program: generates `main`, which the component exports as `wasi:cli/run`.
///
/// It takes params, a struct that implements `Deserialize`, and a `&Run`; or the `&Run` alone. It returns
/// `Result<(), E>`: `E` a `Failure` or any error, which fails the run.
#[proc_macro_attribute]
pub fn job(options: TokenStream, item: TokenStream) -> TokenStream {
    if !options.is_empty() {
        return refuse("#[job] takes no options");
    }
    let item = parse_macro_input!(item as ItemFn);
    let shape = "fn name(params: Params, run: &Run) -> Result<(), E>";
    if let Err(error) = check(&item, &[1, 2], shape) {
        return error;
    }
    let name = &item.sig.ident;
    if name == "main" {
        return refuse_at(name, "#[job] generates `main`: give this function the name of what it does");
    }
    let job = match item.sig.inputs.len() {
        1 => quote!(|_: ::weft::__private::NoParams, run: &::weft::Run| #name(run)),
        _ => quote!(#name),
    };
    quote! {
        #item

        fn main() -> ::std::process::ExitCode {
            ::weft::__private::start(#job)
        }
    }
    .into()
}

/// Makes a function the server of whole requests: the component's `wasi:http/incoming-handler`.
///
/// It takes a `weft::http::Request` and returns a `weft::http::Response`, or a `Result` of one with a `Failure` or any
/// error. For bodies that stream, use the `wasip2` crate, which needs nothing of `weft`.
#[proc_macro_attribute]
pub fn http(options: TokenStream, item: TokenStream) -> TokenStream {
    if !options.is_empty() {
        return refuse("#[http] takes no options");
    }
    let item = parse_macro_input!(item as ItemFn);
    if let Err(error) = check(&item, &[1], "fn name(request: Request) -> Result<Response, E>") {
        return error;
    }
    let name = &item.sig.ident;
    quote! {
        #item

        const _: () = {
            struct Server;

            impl ::weft::__private::wasip2::exports::http::incoming_handler::Guest for Server {
                fn handle(
                    request: ::weft::__private::wasip2::http::types::IncomingRequest,
                    out: ::weft::__private::wasip2::http::types::ResponseOutparam,
                ) {
                    ::weft::http::serve(request, out, #name);
                }
            }

            const _: fn(
                ::weft::__private::wasip2::http::types::IncomingRequest,
                ::weft::__private::wasip2::http::types::ResponseOutparam,
            ) = <Server as ::weft::__private::wasip2::exports::http::incoming_handler::Guest>::handle;

            #[cfg(target_arch = "wasm32")]
            ::weft::__private::wasip2::http::proxy::export!(Server with_types_in ::weft::__private::wasip2);
        };
    }
    .into()
}

/// A function of the shape the attribute is for; what is finer than its number of arguments the compiler says.
fn check(item: &ItemFn, arguments: &[usize], shape: &str) -> Result<(), TokenStream> {
    let sig = &item.sig;
    if sig.asyncness.is_some() || !sig.generics.params.is_empty() || !arguments.contains(&sig.inputs.len()) {
        return Err(refuse_at(&sig.ident, &format!("this has to be a plain function: `{shape}`")));
    }
    Ok(())
}

fn refuse_at(place: &Ident, message: &str) -> TokenStream {
    syn::Error::new(place.span(), message).to_compile_error().into()
}

fn refuse(message: &str) -> TokenStream {
    syn::Error::new(proc_macro2::Span::call_site(), message).to_compile_error().into()
}
