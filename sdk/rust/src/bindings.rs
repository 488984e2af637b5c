//! What `sdk/wit` says, as Rust. Linking it imports nothing: a component imports what it calls.

wit_bindgen::generate!({
    inline: "
        package weft:sdk;

        world guest {
            import weft:function/context@0.1.0;
            import weft:function/log@0.1.0;
            import weft:function/run@0.1.0;
            import weft:function/model@0.1.0;
            import weft:function/publish@0.1.0;
            import wasi:config/store@0.2.0-rc.1;
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
            import wasi:keyvalue/batch@0.2.0-draft2;
            export weft:function/handler@0.1.0;
        }
    ",
    path: "../wit",
    generate_all,
    pub_export_macro: true,
    additional_derives: [PartialEq, serde::Serialize],
    // It may hold a handle, which is like no other.
    additional_derives_ignore: ["cas-error"],
});
