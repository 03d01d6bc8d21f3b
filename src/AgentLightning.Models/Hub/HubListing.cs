using System.Text.Json;

namespace AgentLightning.Models.Hub;

/// <summary>Reads what <c>/api/models/REPO/revision/REVISION?blobs=true</c> answers.</summary>
internal static class HubListing
{
    /// <exception cref="HubException">It is not a listing.</exception>
    public static HubRevision Read(string repository, byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var commit = json.RootElement.GetProperty("sha").GetString();
            if (string.IsNullOrEmpty(commit) || !commit.All(char.IsAsciiLetterOrDigit))
            {
                throw new JsonException($"'sha' is '{commit}', which is not a commit");
            }

            return new HubRevision(repository, commit, [.. json.RootElement.GetProperty("siblings").EnumerateArray().Select(File)]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new HubException($"The hub's list of the files of {repository} cannot be read: {e.Message}", e);
        }
    }

    private static HubFile File(JsonElement sibling)
    {
        var stored = sibling.TryGetProperty("lfs", out var lfs) && lfs.ValueKind == JsonValueKind.Object ? lfs : (JsonElement?)null;
        return new HubFile(
            sibling.GetProperty("rfilename").GetString() ?? throw new JsonException("a file has no name"),
            stored is { } large && Number(large, "size") is { } size ? size : Number(sibling, "size"),
            stored is { } hashed ? Hex(hashed, "sha256", 64) : null,
            stored is null ? Hex(sibling, "blobId", 40) : null
        );
    }

    private static long? Number(JsonElement json, string name) =>
        !json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.GetInt64() is >= 0 and var number ? number
        : throw new JsonException($"'{name}' is negative");

    private static string? Hex(JsonElement json, string name, int digits) =>
        !json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.GetString()!.ToLowerInvariant() is var hex && hex.Length == digits && hex.All(char.IsAsciiHexDigitLower) ? hex
        : throw new JsonException($"'{name}' is '{value.GetString()}', which is not {digits} hex digits");
}
