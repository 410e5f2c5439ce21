import { crc32 } from "node:zlib";
import type { WholeFile } from "../../files/whole-file.js";
import { ForetokenError } from "../../types/errors.js";

/** Offsets and sizes have 32 bits. */
const MOST_BYTES = 2 ** 32 - 1;

/** Writes files into a zip archive one after the other, as they are (torch.save compresses nothing). */
export class ZipWriter {
  private readonly directory: Buffer[] = [];
  private files = 0;
  private position = 0;

  constructor(private readonly file: WholeFile) {}

  /** @throws ForetokenError for an archive of more than 4 GiB */
  async add(name: string, bytes: Uint8Array): Promise<void> {
    const path = Buffer.from(name);
    if (this.position + bytes.length + 1024 > MOST_BYTES) {
      throw new ForetokenError("a .pt file holds at most 4 GiB here: write the tensors as .safetensors");
    }
    // From the checksum to the end of what a file's own header and its entry in the directory share.
    const shared = Buffer.alloc(16);
    shared.writeUInt32LE(crc32(bytes), 0);
    shared.writeUInt32LE(bytes.length, 4);
    shared.writeUInt32LE(bytes.length, 8);
    shared.writeUInt16LE(path.length, 12);
    const header = Buffer.concat([signature(0x04034b50, 14), shared, path]);
    const end = Buffer.alloc(14);
    end.writeUInt32LE(this.position, 10);
    this.directory.push(signature(0x02014b50, 16), shared, end, path);
    this.files++;
    await this.write(header);
    await this.write(bytes);
  }

  /** Writes the directory, without which the archive cannot be read. */
  async end(): Promise<void> {
    const whole = Buffer.concat(this.directory);
    const end = signature(0x06054b50, 22);
    end.writeUInt16LE(this.files, 8);
    end.writeUInt16LE(this.files, 10);
    end.writeUInt32LE(whole.length, 12);
    end.writeUInt32LE(this.position, 16);
    await this.write(whole);
    await this.write(end);
  }

  private async write(bytes: Uint8Array): Promise<void> {
    await this.file.write(bytes, this.position);
    this.position += bytes.length;
  }
}

function signature(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}
