/* tslint:disable */
/* eslint-disable */

/**
 * An open profile.
 */
export class Core {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Opens the profile, or makes it. `wake` is called, without arguments and perhaps from within a method of this
     * type, when [`Self::turn`] has something to do; `progress` with how many messages of how many are indexed,
     * where that takes long.
     *
     * # Errors
     * JSON with `code` and `detail`.
     */
    constructor(storage: Storage, key: string, passphrase: string | null | undefined, wake: Function, progress: Function);
    /**
     * After how many milliseconds [`Self::turn`] has something to do by itself.
     */
    patience(): number;
    /**
     * Asks for something, in JSON both ways.
     *
     * # Errors
     * JSON of a failure.
     */
    query(query: string): string;
    /**
     * Hands over a command, as JSON, under a number of the caller's; [`Self::turn`] does it.
     *
     * # Errors
     * JSON of a failure, when it is no command.
     */
    send(id: number, command: string): void;
    /**
     * Does what is to be done now. What happened, each as JSON.
     */
    turn(): string[];
}

/**
 * Where the profile lies.
 */
export class Storage {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Deletes the profile. Only while none is open.
     *
     * # Errors
     * When one is.
     */
    clear(): void;
    /**
     * In memory: gone with the window.
     */
    static memory(): Storage;
    /**
     * Takes the origin's private files.
     *
     * # Errors
     * When there are none, or another worker has them.
     */
    static open(): Promise<Storage>;
    /**
     * Whether there is a profile.
     */
    readonly hasProfile: boolean;
}

/**
 * Whether the key needs a passphrase.
 *
 * # Errors
 * When it is none.
 */
export function needsPassphrase(key: string): boolean;

/**
 * A new database key as text, to be sealed and kept before the profile is made.
 *
 * # Errors
 * When the passphrase is empty.
 */
export function newKey(passphrase?: string | null): string;

/**
 * The same key under another passphrase, or under none.
 *
 * # Errors
 * When the former passphrase is wrong, or the new one is empty.
 */
export function rewrapKey(key: string, former?: string | null, passphrase?: string | null): string;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly __wbg_core_free: (a: number, b: number) => void;
    readonly __wbg_storage_free: (a: number, b: number) => void;
    readonly core_new: (a: number, b: number, c: number, d: number, e: number, f: any, g: any) => [number, number, number];
    readonly core_patience: (a: number) => number;
    readonly core_query: (a: number, b: number, c: number) => [number, number, number, number];
    readonly core_send: (a: number, b: number, c: number, d: number) => [number, number];
    readonly core_turn: (a: number) => [number, number];
    readonly needsPassphrase: (a: number, b: number) => [number, number, number];
    readonly newKey: (a: number, b: number) => [number, number, number, number];
    readonly rewrapKey: (a: number, b: number, c: number, d: number, e: number, f: number) => [number, number, number, number];
    readonly storage_clear: (a: number) => [number, number];
    readonly storage_hasProfile: (a: number) => number;
    readonly storage_memory: () => number;
    readonly storage_open: () => any;
    readonly rust_sqlite_wasm_host_epoch_timestamp_in_ms: (a: number) => number;
    readonly rust_sqlite_wasm_host_sleep: (a: bigint, b: number) => void;
    readonly rust_sqlite_wasm_host_random: (a: number, b: number) => number;
    readonly rust_sqlite_wasm_abort: () => void;
    readonly rust_sqlite_wasm_assert_fail: (a: number, b: number, c: number, d: number) => void;
    readonly rust_sqlite_wasm_calloc: (a: number, b: number) => number;
    readonly rust_sqlite_wasm_malloc: (a: number) => number;
    readonly rust_sqlite_wasm_free: (a: number) => void;
    readonly rust_sqlite_wasm_getentropy: (a: number, b: number) => number;
    readonly rust_sqlite_wasm_host_fill_entropy: (a: number, b: number) => number;
    readonly rust_sqlite_wasm_host_localtime: (a: bigint, b: number) => number;
    readonly rust_sqlite_wasm_localtime: (a: number) => number;
    readonly rust_sqlite_wasm_realloc: (a: number, b: number) => number;
    readonly sqlite3_os_end: () => number;
    readonly sqlite3_os_init: () => number;
    readonly wasm_bindgen__convert__closures_____invoke__h0a6418f63bb68172: (a: number, b: number, c: any, d: any) => void;
    readonly wasm_bindgen__convert__closures_____invoke__h1b5d7ec6641cb9b5: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h77d83f1a4f3178b1: (a: number, b: number, c: any) => void;
    readonly wasm_bindgen__convert__closures_____invoke__h77d83f1a4f3178b1_15: (a: number, b: number, c: any) => void;
    readonly wasm_bindgen__convert__closures_____invoke__h77d83f1a4f3178b1_16: (a: number, b: number, c: any) => void;
    readonly __wbindgen_malloc: (a: number, b: number) => number;
    readonly __wbindgen_realloc: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_free: (a: number, b: number, c: number) => void;
    readonly __wbindgen_exn_store: (a: number) => void;
    readonly __externref_table_alloc: () => number;
    readonly __wbindgen_externrefs: WebAssembly.Table;
    readonly __wbindgen_destroy_closure: (a: number, b: number) => void;
    readonly __externref_table_dealloc: (a: number) => void;
    readonly __externref_drop_slice: (a: number, b: number) => void;
    readonly __wbindgen_start: () => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput }} module - Passing `SyncInitInput` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput } | SyncInitInput): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing `InitInput` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path?: { module_or_path: InitInput | Promise<InitInput> } | InitInput | Promise<InitInput>): Promise<InitOutput>;
