using System.Formats.Tar;
using AgentLightning.Common;

namespace AgentLightning.Engine.Tuned;

/// <summary>
/// Files as one stream, a tar archive without folders. The same files always make the same bytes: names in order, no times, no owners.
/// </summary>
internal static class TunedArchive
{
    /// <summary>Most bytes of a manifest: it is read into memory.</summary>
    private const int MostManifest = 1 << 20;

    /// <summary>Eleven octal digits.</summary>
    private const long MostPlain = 1L << 33;

    /// <summary>Writes a manifest and the files of a folder.</summary>
    public static async Task WriteAsync(Stream target, TunedManifest manifest, string folder, CancellationToken cancellationToken)
    {
        var tar = new TarWriter(target, TarEntryFormat.Ustar, leaveOpen: true);
        await using (tar.ConfigureAwait(false))
        {
            using var first = new MemoryStream(manifest.ToJson());
            await tar.WriteEntryAsync(Entry(TunedManifest.FileName, first), cancellationToken).ConfigureAwait(false);
            await WriteFilesAsync(tar, folder, _ => true, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the files of a folder, and of the folders in it under names with a slash.</summary>
    /// <param name="isMeant">Which names.</param>
    public static async Task WriteFolderAsync(Stream target, string folder, Func<string, bool> isMeant, CancellationToken cancellationToken)
    {
        var tar = new TarWriter(target, TarEntryFormat.Ustar, leaveOpen: true);
        await using (tar.ConfigureAwait(false))
        {
            await WriteFilesAsync(tar, folder, isMeant, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Unpacks files into a folder that is empty, and reads the stream to its end.</summary>
    public static async Task ReadFolderAsync(Stream source, string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var tar = new TarReader(source, leaveOpen: true);
        await using (tar.ConfigureAwait(false))
        {
            while (await NextAsync(tar, cancellationToken).ConfigureAwait(false) is { } entry)
            {
                await ExtractAsync(entry, folder, cancellationToken).ConfigureAwait(false);
            }
        }

        await source.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same for a tuned model, whose manifest is returned; null, and nothing is read further, for what is none.</summary>
    public static async Task<TunedManifest?> ReadAsync(Stream source, string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var tar = new TarReader(source, leaveOpen: true);
        TunedManifest manifest;
        await using (tar.ConfigureAwait(false))
        {
            TarEntry? first;
            try
            {
                first = await tar.GetNextEntryAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
            {
                return null;
            }

            if (first is not { Name: TunedManifest.FileName, DataStream: { Length: <= MostManifest } content })
            {
                return null;
            }

            var json = new byte[content.Length];
            await content.ReadExactlyAsync(json, cancellationToken).ConfigureAwait(false);
            manifest = TunedManifest.Parse(json);
            while (await NextAsync(tar, cancellationToken).ConfigureAwait(false) is { } entry)
            {
                await ExtractAsync(entry, folder, cancellationToken).ConfigureAwait(false);
            }
        }

        // Whether it is what was stored is known at its end only.
        await source.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
        return manifest;
    }

    private static async Task<TarEntry?> NextAsync(TarReader tar, CancellationToken cancellationToken)
    {
        try
        {
            return await tar.GetNextEntryAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new LightningException(ErrorKind.Corrupt, $"The archive of a model cannot be read: {e.Message}", e);
        }
    }

    private static async Task WriteFilesAsync(TarWriter tar, string folder, Func<string, bool> isMeant, CancellationToken cancellationToken)
    {
        var names = Directory
            .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
            .Where(isMeant)
            .Order(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var content = new FileStream(Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16, true);
            await using (content.ConfigureAwait(false))
            {
                await tar.WriteEntryAsync(Entry(name, content), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static TarEntry Entry(string name, Stream content)
    {
        // The plain format has no room for longer lengths.
        TarEntry entry =
            content.Length < MostPlain
                ? new UstarTarEntry(TarEntryType.RegularFile, name)
                : new PaxTarEntry(TarEntryType.RegularFile, name);
        entry.DataStream = content;
        entry.Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        entry.ModificationTime = DateTimeOffset.UnixEpoch;
        return entry;
    }

    /// <summary>The archive may come from anywhere: a name that leads out of the folder, or a link, is refused.</summary>
    private static async Task ExtractAsync(TarEntry entry, string folder, CancellationToken cancellationToken)
    {
        var parts = entry.Name.Split('/');
        if (
            entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)
            || parts.Any(part => part.Trim('.').Length == 0 || part.IndexOfAny(Path.GetInvalidFileNameChars()) >= 0)
        )
        {
            throw new LightningException(ErrorKind.Corrupt, $"The archive of a model holds '{entry.Name}', which is no file of one.");
        }

        var path = Path.Combine([folder, .. parts]);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var target = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16, useAsync: true);
        await using (target.ConfigureAwait(false))
        {
            await (entry.DataStream ?? Stream.Null).CopyToAsync(target, cancellationToken).ConfigureAwait(false);
        }
    }
}
