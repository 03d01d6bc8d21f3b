using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace AgentLightning.Engine.Tuned;

/// <summary>
/// Tells a model's weights, shape and tokenizer from others: the SHA-256 over the names and contents of the files of its folder that say
/// what they are.
/// </summary>
public static class ModelHash
{
    private static readonly string[] s_small = ["config.json", "tokenizer.json", "vocab.json", "merges.txt"];
    private static readonly ConcurrentDictionary<string, (string Seen, string Hash)> s_known = new(StringComparer.Ordinal);

    /// <summary>64 hex digits. Files that did not change since the last time are not read again.</summary>
    public static string Of(string folder)
    {
        var files = FilesOf(folder);
        // A file in the cache of Hugging Face is a link to its content.
        var seen = string.Join(
            '\n',
            files
                .Select(file => (file, Target: file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file))
                .Select(pair => $"{pair.file.Name} {pair.Target.Length} {pair.Target.LastWriteTimeUtc.Ticks}")
        );
        if (s_known.TryGetValue(folder, out var known) && known.Seen == seen)
        {
            return known.Hash;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        foreach (var file in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{file.Name}\n"));
            using var content = File.OpenHandle(file.FullName);
            hash.AppendData(Encoding.UTF8.GetBytes($"{RandomAccess.GetLength(content)}\n"));
            for (long at = 0; RandomAccess.Read(content, buffer, at) is var count && count > 0; at += count)
            {
                hash.AppendData(buffer.AsSpan(0, count));
            }
        }

        var result = Convert.ToHexStringLower(hash.GetHashAndReset());
        s_known[folder] = (seen, result);
        return result;
    }

    private static List<FileInfo> FilesOf(string folder) =>
        [
            .. new DirectoryInfo(folder)
                .EnumerateFiles()
                .Where(file => s_small.Contains(file.Name) || file.Extension == ".safetensors")
                .OrderBy(file => file.Name, StringComparer.Ordinal),
        ];
}
