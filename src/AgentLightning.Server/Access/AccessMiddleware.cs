using System.Reflection;
using AgentLightning.Access;
using AgentLightning.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Access;

/// <summary>
/// Finds out who calls, and later in the pipeline refuses who may not. Between the two the rate is limited, so that guessing is slow.
/// </summary>
internal sealed class AccessMiddleware(ApiKeyVerifier verifier, LightningServerOptions options, RefusalLog refusals)
{
    /// <summary>What an endpoint that says nothing demands: it was forgotten, and what it shows nobody knows.</summary>
    private static readonly AccessRule s_forgotten = new(Role.Admin, AgentRule.AllAgents);

    private readonly bool _reachable = !ListenAddresses.AreLoopback(options.AllUrls);

    /// <summary>The rule of an endpoint; null where there is no endpoint.</summary>
    public static AccessRule? RuleOf(Endpoint? endpoint)
    {
        var rule = endpoint is null ? null : endpoint.Metadata.GetMetadata<AccessRule>() ?? s_forgotten;
        // A handler that cannot ask for the scope cannot keep it.
        return rule is { Role: not null, Agents: AgentRule.Scoped } && !TakesScope(endpoint!)
            ? rule with
            {
                Agents = AgentRule.AllAgents,
            }
            : rule;
    }

    /// <summary>Whether the handler of an endpoint has an <see cref="Scope"/> to ask.</summary>
    public static bool TakesScope(Endpoint endpoint) =>
        endpoint.Metadata.GetMetadata<MethodInfo>()?.GetParameters().Any(parameter => parameter.ParameterType == typeof(Scope)) == true;

    public async Task IdentifyAsync(HttpContext context, Caller caller, RequestDelegate next)
    {
        if (GivenKey(context.Request) is { } text)
        {
            caller.Key = await verifier.VerifyAsync(text, context.RequestAborted);
            caller.GaveWrongKey = caller.Key is null;
        }

        await next(context);
    }

    public async Task EnforceAsync(HttpContext context, Caller caller, RequestDelegate next)
    {
        var rule = RuleOf(context.GetEndpoint());
        if (BrowserGuard.CheckChange(SourceOf(context), options.AllowedHosts) is { } change)
        {
            await RefuseAsync(context, change.Status, change.Message, caller);
            return;
        }

        if (rule?.Role is not { } role)
        {
            await next(context);
            return;
        }

        if (await IsOpenAsync(context, caller))
        {
            if (BrowserGuard.CheckHost(context.Request.Host.Value ?? "", !_reachable, options.AllowedHosts) is { } host)
            {
                await RefuseAsync(context, host.Status, host.Message, caller);
                return;
            }

            await next(context);
            return;
        }

        if (caller.Key is not { } key)
        {
            context.Response.Headers.WWWAuthenticate = caller.GaveWrongKey
                ? "Bearer realm=\"lightning\", error=\"invalid_token\""
                : "Bearer realm=\"lightning\"";
            await RefuseAsync(
                context,
                StatusCodes.Status401Unauthorized,
                caller.GaveWrongKey
                    ? "The key is unknown, revoked or expired. Send a valid one."
                    : "This server asks for an API key. Send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'; 'lightning keys "
                        + "create' makes one.",
                caller
            );
        }
        else if (key.Role < role)
        {
            await RefuseAsync(
                context,
                StatusCodes.Status403Forbidden,
                $"This needs a key with the role {EnumText.Of(role)}, and the key's role is {EnumText.Of(key.Role)}.",
                caller
            );
        }
        else if (key.Agents is not null && rule.Agents == AgentRule.AllAgents)
        {
            await RefuseAsync(
                context,
                StatusCodes.Status403Forbidden,
                $"This is about all agents, and needs a key with the role {EnumText.Of(role)} that is for all of them; the key is for "
                    + $"{string.Join(", ", key.Agents)}.",
                caller
            );
        }
        else
        {
            await next(context);
        }
    }

    private static RequestSource SourceOf(HttpContext context) =>
        new(
            context.Request.Method,
            context.Request.Host.Value ?? "",
            context.Request.Headers.Origin.ToString(),
            context.Request.Headers["Sec-Fetch-Site"].ToString(),
            context.Request.ContentType ?? "",
            context.Request.ContentLength > 0
                || context.Request.Headers.TransferEncoding.Count > 0
                || context.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>() is not null
        );

    private static string? GivenKey(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        var authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? authorization[Scheme.Length..].Trim()
            : authorization.Length > 0 ? authorization
            : request.Headers["x-api-key"].ToString() is { Length: > 0 } text ? text.Trim()
            : null;
    }

    /// <summary>
    /// Without keys everything is open to this machine; to others only where that was asked for. A key that comes along is held to its role
    /// and agents.
    /// </summary>
    private async ValueTask<bool> IsOpenAsync(HttpContext context, Caller caller)
    {
        var admitsStrangers = options.AllowAnonymous && context.GetEndpoint()?.Metadata.GetMetadata<ClosedToStrangers>() is null;
        return caller.Key is null && (!_reachable || admitsStrangers) && !await verifier.AnyKeysAsync(context.RequestAborted);
    }

    private async Task RefuseAsync(HttpContext context, int status, string detail, Caller caller)
    {
        refusals.Add(status, caller, (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "");
        context.Response.StatusCode = status;
        await Problems.WriteAsync(context, status, detail);
    }
}
