using AgentLightning.Access;
using AgentLightning.Common;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Access;

/// <summary>A key to make.</summary>
/// <param name="Name">Who or what will use it; required.</param>
/// <param name="Role"><c>read</c>, <c>write</c> or <c>admin</c>; required.</param>
/// <param name="Agents">The agents it is for; all of them by default.</param>
/// <param name="ExpiresDays">Days until it ends, from an hour to 3650; never by default.</param>
public sealed record CreateKeyBody(string? Name, string? Role, IReadOnlyList<string>? Agents, double? ExpiresDays)
{
    public ApiKeyRequest ToRequest() =>
        new(Name ?? "", EnumText.Parse<Role>(Role, "role"), Agents, ApiKeyRequest.AfterDays(ExpiresDays, "expires_days"));
}

/// <summary>A key that was made, with its text, which is shown this once.</summary>
/// <param name="Key">The text.</param>
public sealed record CreatedKeyResponse(
    string Key,
    string Id,
    string Name,
    Role Role,
    IReadOnlyList<string>? Agents,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt
)
{
    public static CreatedKeyResponse Of(NewApiKey made) =>
        new(made.Text, made.Key.Id, made.Key.Name, made.Key.Role, made.Key.Agents, made.Key.CreatedAt, made.Key.ExpiresAt);

    /// <summary>Not the one of a record, which would show the text.</summary>
    public override string ToString() => Id;
}

/// <summary>The keys of a store, newest first, without their text.</summary>
public sealed record KeyListResponse(int KeysFound, IReadOnlyList<ApiKey> Keys);

/// <summary>Who may call the server. Never for who has no key where others than this machine reach it.</summary>
internal static class KeysEndpoints
{
    public static void MapKeys(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/keys", ListAsync)
            .WithSummary("The keys, newest first, revoked ones too, without their text, which nobody keeps.")
            .RequiresRole(Role.Admin, AgentRule.AllAgents)
            .ClosedToStrangers();
        routes
            .MapPost("/keys", CreateAsync)
            .WithSummary("Makes a key; its text is in this answer and nowhere else. With the first key everybody needs one.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .RequiresRole(Role.Admin, AgentRule.AllAgents)
            .ClosedToStrangers();
        routes
            .MapDelete("/keys/{id}", RevokeAsync)
            .WithSummary("Takes a key back; it is refused within a second.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Admin, AgentRule.AllAgents)
            .ClosedToStrangers();
    }

    private static async Task<KeyListResponse> ListAsync(ListKeys keys, Scope scope, CancellationToken cancellationToken)
    {
        var listed = await keys.ExecuteAsync(scope, cancellationToken);
        return new KeyListResponse(listed.Count, listed);
    }

    private static async Task<Created<CreatedKeyResponse>> CreateAsync(
        CreateKeyBody body,
        CreateKey keys,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var made = await keys.ExecuteAsync(scope, body.ToRequest(), cancellationToken);
        return TypedResults.Created($"/api/lightning/keys/{made.Key.Id}", CreatedKeyResponse.Of(made));
    }

    private static Task<ApiKey> RevokeAsync(string id, RevokeKey keys, Scope scope, CancellationToken cancellationToken) =>
        keys.ExecuteAsync(scope, id, cancellationToken);
}
