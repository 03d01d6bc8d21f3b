using AgentLightning.Common;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Limits;

/// <summary>
/// Charges the bodies of all requests to the budget as their bytes arrive, and gives them back when the request is answered: whoever
/// sends slowly holds only what has come.
/// </summary>
internal static class BodyBudget
{
    public static async Task ChargeAsync(HttpContext context, RequestDelegate next)
    {
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        {
            await next(context);
            return;
        }

        var services = context.RequestServices;
        using var share = services
            .GetRequiredService<ByteBudget>()
            .Open(
                services.GetRequiredService<Caller>().Key?.Id is { } key
                    ? $"key {key}"
                    : ClientNetwork.Of(context.Connection.RemoteIpAddress),
                context.Connection.Id
            );
        context.Features.Set(share);
        context.Request.Body = new ChargedStream(context.Request.Body, share);
        await next(context);
    }

    /// <summary>The share of a request that may have a body.</summary>
    public static ByteShare ShareOf(HttpContext context) =>
        context.Features.Get<ByteShare>() ?? throw new InvalidOperationException("GET and HEAD have no share.");
}
