using AgentLightning.Access;

namespace AgentLightning.Server.Access;

/// <summary>Who sends the request; one for each request, filled in before any endpoint runs.</summary>
internal sealed class Caller
{
    /// <summary>The key that came with the request and is valid; null for a request without one.</summary>
    public ApiKey? Key { get; set; }

    /// <summary>Whether something came with the request that is no valid key.</summary>
    public bool GaveWrongKey { get; set; }

    /// <summary>
    /// What the request may do: without a key everything, which the middleware lets through only where the server is open.
    /// </summary>
    public Scope Scope => Key is null ? Scope.Owner("api") : Scope.Of(Key);

    public string Actor => Key is null ? "anonymous" : $"key {Key.Id}";
}
