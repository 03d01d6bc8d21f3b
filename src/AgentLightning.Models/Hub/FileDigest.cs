using System.Security.Cryptography;
using System.Text;

namespace AgentLightning.Models.Hub;

/// <summary>What the content of a file must hash to, as hubs say it.</summary>
/// <param name="IsGit">SHA-1 of the content after a header with its length, as git names its objects; otherwise SHA-256.</param>
internal readonly record struct FileDigest(string Hex, bool IsGit)
{
    public string Kind => IsGit ? "git SHA-1" : "SHA-256";

    /// <param name="etags">Tags of the file from the hub itself, the surer one first; quoted, and weak or not. Others than hashes are
    /// passed over.</param>
    public static FileDigest? Of(HubFile file, params ReadOnlySpan<string?> etags)
    {
        if (file.Sha256 is not null)
        {
            return new FileDigest(file.Sha256, false);
        }

        foreach (var etag in etags)
        {
            var hex = etag?.AsSpan(etag.StartsWith("W/", StringComparison.Ordinal) ? 2 : 0).Trim('"').ToString().ToLowerInvariant();
            if (hex is { Length: 64 } && hex.All(char.IsAsciiHexDigitLower))
            {
                return new FileDigest(hex, false);
            }
        }

        return file.GitSha1 is null ? null : new FileDigest(file.GitSha1, true);
    }

    /// <summary>The digest of a file on disk, in lower case hex.</summary>
    public async Task<string> ComputeAsync(string path, CancellationToken cancellationToken)
    {
        var stream = new FileStream(
            path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.Read,
            1,
            FileOptions.Asynchronous | FileOptions.SequentialScan
        );
        await using (stream.ConfigureAwait(false))
        {
#pragma warning disable CA5350 // git's own name of the content, beside TLS: there is no other for small files.
            using var hash = IncrementalHash.CreateHash(IsGit ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
#pragma warning restore CA5350
            if (IsGit)
            {
                hash.AppendData(Encoding.ASCII.GetBytes($"blob {stream.Length}\0"));
            }

            var buffer = new byte[1 << 20];
            while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var read)
            {
                hash.AppendData(buffer, 0, read);
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }
}
