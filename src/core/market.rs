//! What the venue shows: one server's spot market, the list of all servers, our orders, our wallets.
//!
//! These are plain facts as of one answer. What they mean for us is decided elsewhere.

use alloc::string::String;
use alloc::vec::Vec;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::ids::{OrderId, ServerId};
use crate::money::{Amount, Currency, PerCurrency, Price};
use crate::time::{Span, Time};

/// One bid on a server's spot market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The offer's number, which is also the order's.
    pub id: OrderId,
    /// Offered price per day, in `currency`.
    pub bid: Price,
    /// Whether this offer holds the server now.
    pub active: bool,
    /// Whether it is ours.
    pub mine: bool,
    /// What it is bid in.
    pub currency: BidIn,
}

/// What an offer is bid in, as far as the venue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BidIn {
    /// The venue does not say, which means: the one we look at.
    Unsaid,
    /// This.
    Coin(Currency),
    /// A coin that nobody knows: what it is worth can only be told from who holds the server.
    UnknownCoin,
}

impl BidIn {
    /// The coin's name; `None` where the venue does not say.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            BidIn::Unsaid => None,
            BidIn::Coin(currency) => Some(currency.name()),
            BidIn::UnknownCoin => Some("unknown"),
        }
    }
}

/// Whether offers may be made on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Anybody may bid.
    Public,
    /// Any other word, or none.
    Hidden,
}

/// One answer of spot_marketplace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Market {
    /// Whose market it is.
    pub server: ServerId,
    /// Whether the venue knows the server.
    pub exists: bool,
    /// Whether the server is connected.
    pub online: bool,
    /// Whether offers may be made on it.
    pub visibility: Visibility,
    /// Least price per day for each currency the host takes.
    pub floors: PerCurrency<Price>,
    /// Longest rental.
    pub longest_rental: Option<Span>,
    /// Every offer, ours included, in the venue's order.
    pub offers: Vec<Offer>,
    /// What one unit of each currency is worth in USD.
    pub usd_rates: PerCurrency<Decimal>,
}

impl Market {
    /// The market of a server that the venue does not know.
    pub fn missing(server: ServerId) -> Market {
        Market {
            server,
            exists: false,
            online: false,
            visibility: Visibility::Hidden,
            floors: PerCurrency::none(),
            longest_rental: None,
            offers: Vec::new(),
            usd_rates: PerCurrency::none(),
        }
    }

    /// Whether an offer could be made on it now.
    pub fn is_open(&self) -> bool {
        self.exists && self.online && self.visibility == Visibility::Public
    }

    /// Our own offer.
    pub fn mine(&self) -> Option<&Offer> {
        self.offers.iter().find(|o| o.mine)
    }

    /// The highest bid of anybody else that has to be beaten, in `currency`, rounded up to its tick where it had to be
    /// converted.
    ///
    /// An offer that does not hold the server although a lower one does, ours or another's, is not in force: it is left
    /// out. So is one in another currency for which no rate is known: only `active` can tell of it.
    pub fn best_rival(&self, currency: Currency, tick: Price) -> Option<Price> {
        let holder = self.offers.iter().filter(|o| o.active).filter_map(|o| self.in_currency(o, currency, tick)).max();
        let in_force = |o: &Offer, bid: Price| o.active || holder.is_none_or(|holder| bid <= holder);
        let others = self.offers.iter().filter(|o| !o.mine);
        others.filter_map(|o| self.in_currency(o, currency, tick).filter(|bid| in_force(o, *bid))).max()
    }

    /// The highest bid of anybody else, in force or not: for a venue that works out who holds the server.
    pub fn highest_of_others(&self, currency: Currency, tick: Price) -> Option<Price> {
        self.offers.iter().filter(|o| !o.mine).filter_map(|o| self.in_currency(o, currency, tick)).max()
    }

    /// Whether an offer holds the server against a bid of `bid`: one as high, or one that cannot be compared.
    pub(crate) fn is_held_against(&self, bid: Price, currency: Currency, tick: Price) -> bool {
        let holder = self.offers.iter().find(|o| o.active && !o.mine);
        holder.is_some_and(|o| self.in_currency(o, currency, tick).is_none_or(|theirs| theirs >= bid))
    }

    fn in_currency(&self, offer: &Offer, currency: Currency, tick: Price) -> Option<Price> {
        let theirs = match offer.currency {
            BidIn::Unsaid => return Some(offer.bid),
            BidIn::Coin(theirs) if theirs == currency => return Some(offer.bid),
            BidIn::Coin(theirs) => theirs,
            BidIn::UnknownCoin => return None,
        };
        let usd = offer.bid.decimal().checked_mul(self.usd_rates.get(theirs)?)?;
        let ours = usd.checked_div(self.usd_rates.get(currency)?)?;
        let places = tick.decimal().scale();
        Price::new(ours.round_dp_with_strategy(places, RoundingStrategy::ToPositiveInfinity)).map(|p| p.ceil_to(tick))
    }

    /// The least bid that would win now: the floor, or one tick above the best rival, since the newcomer loses a tie.
    ///
    /// `None` where the host does not take the currency.
    pub fn least_winning_bid(&self, currency: Currency, tick: Price) -> Option<Price> {
        self.quote(currency, tick).least_winning
    }

    /// What it comes to for a bidder in `currency`.
    pub fn quote(&self, currency: Currency, tick: Price) -> Quote {
        let floor = self.floors.get(currency);
        let best_rival = self.best_rival(currency, tick);
        let above = best_rival.map(|r| r.plus(tick).ceil_to(tick));
        let least_winning = floor.map(|floor| above.unwrap_or(Price::ZERO).max(floor.ceil_to(tick)));
        Quote { floor, best_rival, least_winning }
    }
}

/// What a market comes to for a bidder in one currency: worked out once for each answer, and looked at many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// The host's least price; `None` where it does not take the currency.
    pub floor: Option<Price>,
    /// The highest bid of anybody else: see [`Market::best_rival`].
    pub best_rival: Option<Price>,
    /// The least bid that would win: see [`Market::least_winning_bid`].
    pub least_winning: Option<Price>,
}

/// A server as the marketplace lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedServer {
    /// Its number.
    pub id: ServerId,
    /// On-demand price per day.
    pub on_demand: PerCurrency<Price>,
    /// Least spot price per day.
    pub spot: PerCurrency<Price>,
    /// Rented on demand; a server held on the spot market shows as free.
    pub rented: bool,
    /// Coins the host takes, where listed; a price alone does not mean that a coin is taken.
    pub allowed: Option<Vec<Currency>>,
    /// The graphics cards, as the venue words them.
    pub gpu: String,
    /// How many of them.
    pub gpus: u32,
    /// Main memory in GB.
    pub ram_gb: Decimal,
    /// 0 to 1.
    pub reliability: Option<Decimal>,
    /// Two letters.
    pub country: Option<String>,
    /// Longest rental.
    pub longest_rental: Option<Span>,
}

impl ListedServer {
    /// Whether the host takes bids in `currency`.
    pub fn takes(&self, currency: Currency) -> bool {
        self.spot.get(currency).is_some() && self.allowed.as_ref().is_none_or(|coins| coins.contains(&currency))
    }
}

/// One answer of marketplace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Every public server.
    pub servers: Vec<ListedServer>,
    /// Servers we host ourselves and may not rent.
    pub my_servers: Vec<ServerId>,
}

/// One of our orders, as my_orders lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// Its number.
    pub id: OrderId,
    /// The server it rents; [`ServerId::UNKNOWN`] where the venue does not say.
    pub server: ServerId,
    /// Price per day.
    pub price: Option<Price>,
    /// Whether it is a spot order; `None` where the venue does not say.
    pub spot: Option<bool>,
    /// Whether it is over.
    pub expired: bool,
    /// What it is paid in.
    pub currency: Option<Currency>,
    /// Spent so far.
    pub spend: Option<Amount>,
    /// When it was made, by the venue's clock.
    pub created: Option<Time>,
    /// What the venue adds to the price, in percent.
    pub fee_percent: Option<Decimal>,
    /// Charged once for each order.
    pub creation_fee: Option<Amount>,
}

/// One wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wallet {
    /// What it holds.
    pub currency: Currency,
    /// How much; `None` where the venue says null.
    pub balance: Option<Amount>,
}
