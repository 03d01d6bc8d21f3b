using System.Text.RegularExpressions;

namespace AgentLightning.Models.Hub;

/// <summary>Names a model on a hub: <c>gpt2</c>, <c>Qwen/Qwen2.5-0.5B</c>, or the address of its page.</summary>
/// <param name="Hub">The hub of the address; null where only a name was given.</param>
/// <param name="Revision">The revision of an address that ends in <c>/tree/REVISION</c>; else null.</param>
public sealed partial record ModelAddress(Uri? Hub, string Repository, string? Revision)
{
    /// <summary>The name without its owner.</summary>
    public string Name => Repository[(Repository.LastIndexOf('/') + 1)..];

    /// <exception cref="ArgumentException">It is neither.</exception>
    public static ModelAddress Parse(string text)
    {
        var address = text;
        Uri? hub = null;
        if (text.StartsWith("http://", StringComparison.Ordinal) || text.StartsWith("https://", StringComparison.Ordinal))
        {
            var uri = Uri.TryCreate(text, UriKind.Absolute, out var parsed) && parsed.UserInfo.Length == 0 ? parsed : throw Wrong(text);
            (hub, address) = (new Uri(uri.GetLeftPart(UriPartial.Authority)), Uri.UnescapeDataString(uri.AbsolutePath).Trim('/'));
        }

        var (repository, revision) =
            address.Split("/tree/", 2) is [var before, var after] && hub is not null ? (before, after) : (address, null);
        return Shape().IsMatch(repository) && !repository.Contains("..", StringComparison.Ordinal)
            ? new ModelAddress(hub, repository, revision)
            : throw Wrong(text);
    }

    private static ArgumentException Wrong(string text) =>
        new(
            $"'{text}' is not the name of a model on a hub. Names are like 'gpt2' or 'Qwen/Qwen2.5-0.5B', of letters, digits, '.', '_' "
                + $"and '-'."
        );

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})?\z")]
    private static partial Regex Shape();
}
