export declare const chromiumMissing: string;
export declare function findChromium(): string | undefined;
export declare function ensureChromium(): Promise<void>;
